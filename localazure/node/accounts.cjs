// Azurite takes its accounts from AZURITE_ACCOUNTS in its own environment, which nobody outside can
// change while it runs. This preload lets it take them from a file, named by LOCALAZURE_ACCOUNTS,
// that it looks at before each answer: an account made or a key renewed counts from the next request.
// A file that cannot be read serves no account: Azurite itself would then serve `devstoreaccount1`,
// whose key the whole world knows.
"use strict";
const fs = require("fs");
const AccountDataStore = require("azurite/dist/src/common/AccountDataStore").default;

const WORLD_KNOWN = "devstoreaccount1";
const file = process.env.LOCALAZURE_ACCOUNTS;
const refresh = AccountDataStore.prototype.refresh;
const getAccount = AccountDataStore.prototype.getAccount;
let seen = "";

function read() {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

AccountDataStore.prototype.refresh = function () {
  const stat = fs.statSync(file, { bigint: true, throwIfNoEntry: false });
  const stamp = stat ? `${stat.ino}:${stat.mtimeNs}` : "";
  if (stamp === "" || stamp === seen) {
    if (seen === "") this.accounts = {};
    return;
  }
  seen = stamp;
  process.env.AZURITE_ACCOUNTS = read();
  refresh.call(this);
  if (this.accounts[WORLD_KNOWN]) this.accounts = {};
};

AccountDataStore.prototype.getAccount = function (name) {
  this.refresh();
  return getAccount.call(this, name);
};
