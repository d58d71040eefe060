"""`deployer machine`: one file for each group of its commands; app.py has the table."""
