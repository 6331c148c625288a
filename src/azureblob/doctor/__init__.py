"""What a site needs of its blob storage, tried out: the command `doctor`.

`site` is what is examined, `visitor` speaks to the service as anybody does; `configuration`,
`network`, `containers`, `quarantine`, `preflight` and `manifest` are the probes, `examination`
their order and their time, `report` what is printed. `answers` says what a refusal means; what to
type next is the site's advice (`azureblob.advice`).
"""
