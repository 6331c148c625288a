"""What a site needs of its blob storage, tried against the live account: the command `doctor`.

`site` reads the settings, `network` and `probes` try things, and `runner` runs them in order and
within time limits. `anonymous` sends requests without credentials, as a visitor's browser does, and
`results` holds what was found and prints it. What to do next comes from `azureblob.advice`.
"""
