"""What `make` runs. These modules start the other rooms' commands and import none of their code.

They use the standard library only, as they run before anything is installed; certificate.py,
database.py and stack_file.py run in .venv.
"""
