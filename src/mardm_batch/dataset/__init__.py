"""The data set on disk: records, the files of poses, lists, locks and progress."""
