#!/bin/sh
# What acme/shop needs to deploy the stack prod from GitHub Actions.
# Read it; to run it: make pipeline STACK=prod ARGS=--apply
# It needs az and gh, signed in, the Pulumi CLI, and the role Owner in the subscription.
set -eu

# How GitHub begins the name of this repository's jobs: since July 2026 with numeric ids
SUBJECT=$(gh api repos/acme/shop/actions/oidc/customization/sub --jq '.sub_claim_prefix // "repo:acme/shop"')

# The directory of the subscription
TENANT=$(az account show --subscription 11111111-2222-3333-4444-555555555555 --query tenantId --output tsv)

# You, who makes the state and the key
ME=$(az ad signed-in-user show --query id --output tsv)

# The stack's resource group, so that the pipeline needs no role outside it (for a group that the stack made itself: ARGS=--existing-group)
az group show --name DjangoBlobProd --subscription 11111111-2222-3333-4444-555555555555 --output none >/dev/null 2>&1 || az group create --name DjangoBlobProd --location westeurope --subscription 11111111-2222-3333-4444-555555555555 --output none

# A resource group for what the pipeline itself needs
az group create --name DjangoBlobProd-pipeline --location westeurope --subscription 11111111-2222-3333-4444-555555555555 --output none

# An account for the state: no keys, nothing public
az storage account create --name statebaa1b631cae82ab1 --resource-group DjangoBlobProd-pipeline --location westeurope --sku Standard_GRS --kind StorageV2 --min-tls-version TLS1_2 --https-only true --allow-blob-public-access false --allow-shared-key-access false --subscription 11111111-2222-3333-4444-555555555555 --output none

# ... with 30 days to bring an earlier state back
az storage account blob-service-properties update --account-name statebaa1b631cae82ab1 --resource-group DjangoBlobProd-pipeline --enable-versioning true --enable-delete-retention true --delete-retention-days 30 --subscription 11111111-2222-3333-4444-555555555555 --output none

# ... and its container
az storage container-rm create --storage-account statebaa1b631cae82ab1 --name pulumi --resource-group DjangoBlobProd-pipeline --subscription 11111111-2222-3333-4444-555555555555 --output none

# A Key Vault for the key that encrypts the state's secrets
az keyvault show --name statebaa1b631cae82ab1 --resource-group DjangoBlobProd-pipeline --subscription 11111111-2222-3333-4444-555555555555 --output none >/dev/null 2>&1 || az keyvault create --name statebaa1b631cae82ab1 --resource-group DjangoBlobProd-pipeline --location westeurope --enable-rbac-authorization true --enable-purge-protection true --retention-days 90 --subscription 11111111-2222-3333-4444-555555555555 --output none

# You may make the key, and encrypt with it
az role assignment create --assignee-object-id "$ME" --assignee-principal-type User --role 'Key Vault Crypto Officer' --scope /subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/DjangoBlobProd-pipeline/providers/Microsoft.KeyVault/vaults/statebaa1b631cae82ab1 --subscription 11111111-2222-3333-4444-555555555555 --output none

# ... and write the state
az role assignment create --assignee-object-id "$ME" --assignee-principal-type User --role 'Storage Blob Data Contributor' --scope /subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/DjangoBlobProd-pipeline/providers/Microsoft.Storage/storageAccounts/statebaa1b631cae82ab1/blobServices/default/containers/pulumi --subscription 11111111-2222-3333-4444-555555555555 --output none

# The key. Do not rotate it: pulumi stack change-secrets-provider moves to another
az keyvault key show --vault-name statebaa1b631cae82ab1 --name pulumi --subscription 11111111-2222-3333-4444-555555555555 --output none >/dev/null 2>&1 || az keyvault key create --vault-name statebaa1b631cae82ab1 --name pulumi --kty RSA --size 3072 --ops encrypt decrypt --subscription 11111111-2222-3333-4444-555555555555 --output none

# A pull request, and main before an approval: reads
az identity create --name github-prod-preview --resource-group DjangoBlobProd-pipeline --location westeurope --subscription 11111111-2222-3333-4444-555555555555 --output none

# ... trusted as pull_request
az identity federated-credential create --name pull-request --identity-name github-prod-preview --resource-group DjangoBlobProd-pipeline --issuer https://token.actions.githubusercontent.com --audiences api://AzureADTokenExchange --subject "$SUBJECT:pull_request" --subscription 11111111-2222-3333-4444-555555555555 --output none

# ... trusted as ref:refs/heads/main
az identity federated-credential create --name main --identity-name github-prod-preview --resource-group DjangoBlobProd-pipeline --issuer https://token.actions.githubusercontent.com --audiences api://AzureADTokenExchange --subject "$SUBJECT:ref:refs/heads/main" --subscription 11111111-2222-3333-4444-555555555555 --output none

# ... its clientId
PREVIEW_CLIENT=$(az identity show --name github-prod-preview --resource-group DjangoBlobProd-pipeline --subscription 11111111-2222-3333-4444-555555555555 --query clientId --output tsv)

# ... its principalId
PREVIEW_PRINCIPAL=$(az identity show --name github-prod-preview --resource-group DjangoBlobProd-pipeline --subscription 11111111-2222-3333-4444-555555555555 --query principalId --output tsv)

# The environment production, after the approval: writes
az identity create --name github-prod-deploy --resource-group DjangoBlobProd-pipeline --location westeurope --subscription 11111111-2222-3333-4444-555555555555 --output none

# ... trusted as environment:production
az identity federated-credential create --name production --identity-name github-prod-deploy --resource-group DjangoBlobProd-pipeline --issuer https://token.actions.githubusercontent.com --audiences api://AzureADTokenExchange --subject "$SUBJECT:environment:production" --subscription 11111111-2222-3333-4444-555555555555 --output none

# ... its clientId
DEPLOY_CLIENT=$(az identity show --name github-prod-deploy --resource-group DjangoBlobProd-pipeline --subscription 11111111-2222-3333-4444-555555555555 --query clientId --output tsv)

# ... its principalId
DEPLOY_PRINCIPAL=$(az identity show --name github-prod-deploy --resource-group DjangoBlobProd-pipeline --subscription 11111111-2222-3333-4444-555555555555 --query principalId --output tsv)

# It sees the stack's resources, and no key
az role assignment create --assignee-object-id "$PREVIEW_PRINCIPAL" --assignee-principal-type ServicePrincipal --role Reader --scope /subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/DjangoBlobProd --subscription 11111111-2222-3333-4444-555555555555 --output none

# ... and the state, whose secrets it cannot decrypt
az role assignment create --assignee-object-id "$PREVIEW_PRINCIPAL" --assignee-principal-type ServicePrincipal --role 'Storage Blob Data Reader' --scope /subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/DjangoBlobProd-pipeline/providers/Microsoft.Storage/storageAccounts/statebaa1b631cae82ab1/blobServices/default/containers/pulumi --subscription 11111111-2222-3333-4444-555555555555 --output none

# It changes the stack's resources
az role assignment create --assignee-object-id "$DEPLOY_PRINCIPAL" --assignee-principal-type ServicePrincipal --role Contributor --scope /subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/DjangoBlobProd --subscription 11111111-2222-3333-4444-555555555555 --output none

# ... and the lock
az role assignment create --assignee-object-id "$DEPLOY_PRINCIPAL" --assignee-principal-type ServicePrincipal --role 'Locks Contributor' --scope /subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/DjangoBlobProd --subscription 11111111-2222-3333-4444-555555555555 --output none

# ... and gives the three roles for blobs, no others (dataPrincipals, staticAccess private)
az role assignment create --assignee-object-id "$DEPLOY_PRINCIPAL" --assignee-principal-type ServicePrincipal --role 'Role Based Access Control Administrator' --scope /subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/DjangoBlobProd --condition '((!(ActionMatches{'"'"'Microsoft.Authorization/roleAssignments/write'"'"'})) OR (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {ba92f5b4-2d11-453d-a403-e96b0029c9fe, db58b8e5-c6ad-4a2a-8342-4190687cbf4a, 2a2b9908-6ea1-4ae2-8e65-a410df84e7d1, 4633458b-17de-408a-b874-0445c86b69e6})) AND ((!(ActionMatches{'"'"'Microsoft.Authorization/roleAssignments/delete'"'"'})) OR (@Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {ba92f5b4-2d11-453d-a403-e96b0029c9fe, db58b8e5-c6ad-4a2a-8342-4190687cbf4a, 2a2b9908-6ea1-4ae2-8e65-a410df84e7d1, 4633458b-17de-408a-b874-0445c86b69e6}))' --condition-version 2.0 --subscription 11111111-2222-3333-4444-555555555555 --output none

# ... and the state
az role assignment create --assignee-object-id "$DEPLOY_PRINCIPAL" --assignee-principal-type ServicePrincipal --role 'Storage Blob Data Contributor' --scope /subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/DjangoBlobProd-pipeline/providers/Microsoft.Storage/storageAccounts/statebaa1b631cae82ab1/blobServices/default/containers/pulumi --subscription 11111111-2222-3333-4444-555555555555 --output none

# ... and its secrets
az role assignment create --assignee-object-id "$DEPLOY_PRINCIPAL" --assignee-principal-type ServicePrincipal --role 'Key Vault Crypto User' --scope /subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/DjangoBlobProd-pipeline/providers/Microsoft.KeyVault/vaults/statebaa1b631cae82ab1/keys/pulumi --subscription 11111111-2222-3333-4444-555555555555 --output none

# The stack, in that state. It notes the key in Pulumi.prod.yaml
PULUMI_BACKEND_URL='azblob://pulumi?storage_account=statebaa1b631cae82ab1' AZURE_KEYVAULT_AUTH_VIA_CLI=true pulumi stack select prod --create --secrets-provider azurekeyvault://statebaa1b631cae82ab1.vault.azure.net/keys/pulumi

# ... which does not make its resource group: it exists by now
PULUMI_BACKEND_URL='azblob://pulumi?storage_account=statebaa1b631cae82ab1' AZURE_KEYVAULT_AUTH_VIA_CLI=true pulumi config set createResourceGroup false --stack prod

# The variable AZURE_CLIENT_ID
gh variable set AZURE_CLIENT_ID --repo acme/shop --body "$PREVIEW_CLIENT"

# The variable AZURE_TENANT_ID
gh variable set AZURE_TENANT_ID --repo acme/shop --body "$TENANT"

# The variable AZURE_SUBSCRIPTION_ID
gh variable set AZURE_SUBSCRIPTION_ID --repo acme/shop --body 11111111-2222-3333-4444-555555555555

# The variable PULUMI_BACKEND_URL
gh variable set PULUMI_BACKEND_URL --repo acme/shop --body 'azblob://pulumi?storage_account=statebaa1b631cae82ab1'

# The variable PULUMI_STACK
gh variable set PULUMI_STACK --repo acme/shop --body prod

# Who approves
REVIEWER=$(gh api user --jq .id)

# The environment production: an approval (in a private repository a paid plan has it)
printf '%s' "{\"reviewers\": [{\"type\": \"User\", \"id\": $REVIEWER}], \"deployment_branch_policy\": {\"protected_branches\": false, \"custom_branch_policies\": true}}" | gh api --silent --method PUT repos/acme/shop/environments/production --input -

# ... for main only
gh api repos/acme/shop/environments/production/deployment-branch-policies --jq '.branch_policies[] | select(.name == "main") | .name // error("none")' >/dev/null 2>&1 || gh api --silent --method POST repos/acme/shop/environments/production/deployment-branch-policies --field name=main

# ... where the identity is the one that writes
gh variable set AZURE_CLIENT_ID --repo acme/shop --env production --body "$DEPLOY_CLIENT"

# Next: git add Pulumi.prod.yaml, commit and push it. The file holds the key of the state,
# encrypted by Key Vault; without it no job can write the state. The push to main runs the workflow
# Deploy, which waits for your approval.
