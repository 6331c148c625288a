"""Moving an existing media folder into a container and back: the command `migratemedia`.

`migration` runs the three actions (send, fetch, verify). `local_tree` walks the folder and writes
downloaded files into it, `name_mapping` turns file names into blob names and back, `content` reads
local files and blobs, `verify` compares the two, `transfer` sends and fetches, `database` finds the
file references of the site's models, and `journal` records what happened to each file.
"""
