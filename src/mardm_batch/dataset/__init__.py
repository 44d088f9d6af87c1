"""What is on disk: the records of a data set, its files, lists, locks and progress."""
