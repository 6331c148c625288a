"""The azure-native resource types that the rules are about."""

from __future__ import annotations

GROUP = "azure-native:resources:ResourceGroup"
ACCOUNT = "azure-native:storage:StorageAccount"
SERVICE = "azure-native:storage:BlobServiceProperties"
CONTAINER = "azure-native:storage:BlobContainer"
LIFECYCLE = "azure-native:storage:ManagementPolicy"
ROLE_ASSIGNMENT = "azure-native:authorization:RoleAssignment"
LOCK = "azure-native:authorization:ManagementLockByScope"
PRIVATE_ENDPOINT = "azure-native:network:PrivateEndpoint"
DIAGNOSTICS = "azure-native:monitor:DiagnosticSetting"
PROFILE = "azure-native:cdn:Profile"
ROUTE = "azure-native:cdn:Route"
ORIGIN = "azure-native:cdn:AFDOrigin"
DOMAIN = "azure-native:cdn:AFDCustomDomain"
WEB_APP = "azure-native:web:WebApp"
APP_SETTINGS = "azure-native:web:WebAppApplicationSettings"
PUBLISHING = ("azure-native:web:WebAppFtpAllowed", "azure-native:web:WebAppScmAllowed")
VAULT = "azure-native:keyvault:Vault"
# Of the classic CDN, which Azure has closed to new profiles.
CLASSIC = (
    "azure-native:cdn:Endpoint",
    "azure-native:cdn:Origin",
    "azure-native:cdn:OriginGroup",
    "azure-native:cdn:CustomDomain",
)
# The component that this project declares its storage in.
STORAGE = "django-azure-blob:index:DjangoBlobStorage"
