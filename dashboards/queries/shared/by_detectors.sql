detector != 'repeated-tool-call'
