"""A program whose settings turn on one thing after another, for the engine's tests."""

import pulumi
from pulumi_azure_native import resources, storage

config = pulumi.Config()
if config.get("refuse"):
    raise pulumi.RunError("the program refuses: no")

group = resources.ResourceGroup(
    "group", resource_group_name="Group", location=config.get("location") or "westeurope"
)
account = storage.StorageAccount(
    "store",
    account_name=config.get("account"),
    resource_group_name=group.name,
    kind="StorageV2",
    sku=storage.SkuArgs(name=config.get("sku") or "Standard_LRS"),
    allow_blob_public_access=config.get_bool("public", True),
    minimum_tls_version=config.get("tls"),
    tags={"owner": owner} if (owner := config.get_secret("owner")) else None,
    opts=pulumi.ResourceOptions(protect=config.get_bool("protect")),
)
number = int(config.get("rules") or 1)
storage.BlobServiceProperties(
    "blobs",
    blob_services_name="default",
    account_name=account.name,
    resource_group_name=group.name,
    cors=storage.CorsRulesArgs(
        cors_rules=[
            storage.CorsRuleArgs(
                allowed_origins=[config.get("origin") or "http://a.example"],
                allowed_methods=["GET", "HEAD"],
                allowed_headers=["*"],
                exposed_headers=["etag"],
                max_age_in_seconds=60 + index,
            )
            for index in range(number)
        ]
    ),
    opts=pulumi.ResourceOptions(deleted_with=account),
)
for name in (config.get("containers") or "one,two").split(","):
    storage.BlobContainer(
        name,
        container_name=name,
        account_name=account.name,
        resource_group_name=group.name,
        public_access=storage.PublicAccess(config.get("level") or "Blob"),
        opts=pulumi.ResourceOptions(retain_on_delete=config.get_bool("retain")),
    )
keys = storage.list_storage_account_keys_output(
    account_name=account.name, resource_group_name=group.name
)
pulumi.export("key", pulumi.Output.secret(keys.keys[0].value))
pulumi.export("endpoint", account.primary_endpoints.blob)
