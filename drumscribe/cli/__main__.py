"""`python -m drumscribe.cli` is `drumscribe`."""

from drumscribe.cli import main

main()
