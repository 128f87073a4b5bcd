"""`wakeline replay`: how do files of events and spans pass through the pipeline as if they were live?"""
