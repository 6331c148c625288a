// Azurite takes its accounts from AZURITE_ACCOUNTS in its own environment, which nobody outside can
// change while it runs. This preload lets it take them from a file, named by LOCALAZURE_ACCOUNTS,
// that it looks at before each answer: an account made or a key renewed counts from the next request.
"use strict";
const fs = require("fs");
const AccountDataStore = require("azurite/dist/src/common/AccountDataStore").default;

const file = process.env.LOCALAZURE_ACCOUNTS;
const refresh = AccountDataStore.prototype.refresh;
const getAccount = AccountDataStore.prototype.getAccount;
let seen = "";

AccountDataStore.prototype.refresh = function () {
  const stat = fs.statSync(file, { bigint: true, throwIfNoEntry: false });
  const stamp = stat ? `${stat.ino}:${stat.mtimeNs}` : "";
  if (stamp !== "" && stamp !== seen) {
    process.env.AZURITE_ACCOUNTS = fs.readFileSync(file, "utf8");
    seen = stamp;
    refresh.call(this);
  }
};

AccountDataStore.prototype.getAccount = function (name) {
  this.refresh();
  return getAccount.call(this, name);
};
