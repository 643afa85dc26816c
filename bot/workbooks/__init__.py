"""The office's Excel sheets, in and out: the only home of openpyxl."""
