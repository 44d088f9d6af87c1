"""Where the files of poses lie in an output folder, one module a layout."""
