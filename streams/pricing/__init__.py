"""What did a call cost? The price book (resolve once) and its application to columns. Pure."""
