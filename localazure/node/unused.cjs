// Azurite spends half of its start-up time on loading two packages that it never calls here: Sequelize
// would store its metadata in an SQL server, and Application Insights would send telemetry, which is
// disabled. This preload replaces both with a class whose members are that class again, since Azurite
// extends and reads some of them while it loads.
"use strict";
const Module = require("module");

const UNUSED = new Set(["sequelize", "applicationinsights"]);
const load = Module._load;
const nothing = new Proxy(class {}, {
  get: (target, name) => (name in target ? target[name] : nothing),
});

Module._load = function (name) {
  return UNUSED.has(name) ? nothing : load.apply(this, arguments);
};
