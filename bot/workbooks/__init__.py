"""Excel workbooks: the register and the reports."""
