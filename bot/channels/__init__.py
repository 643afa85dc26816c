"""One module or package per channel; `registry` is the table of them."""
