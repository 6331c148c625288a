// Sends files from the page directly to blob storage. Without this script the form uploads them.
//
// It is a single file, as a page that is open while the site is published must not load half of
// another version. It sets no styles and runs under a Content-Security-Policy without
// 'unsafe-inline'; the policy's connect-src has to include the blob service.

const FILES_AT_ONCE = 3;
const BLOCKS_AT_ONCE = 4;
const ATTEMPTS = 6;
const FIRST_WAIT = 500;
const MAX_WAIT = 15_000;
// A request that makes no progress for this long is sent again.
const STALL = 60_000;
const PREVIEW_BYTES = 40 * 1024 * 1024;

// --- Texts, in the language of the page --------------------------------------------------------------

let messages = {}; // data-messages of the fields
let language = "en";

function text(key, values = {}) {
  return messages[key].replace(/%\((\w+)\)s/g, (_, name) => values[name]);
}

function percent(share) {
  return new Intl.NumberFormat(language, { style: "percent" }).format(Math.floor(share * 100) / 100);
}

function quantity(number, unit, unitDisplay, digits = 0) {
  const format = { style: "unit", unit, unitDisplay, minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(language, format).format(number);
}

function exactSize(bytes) {
  return quantity(bytes, "byte", "long");
}

function roundedSize(bytes) {
  if (bytes < 1024) {
    return exactSize(bytes);
  }
  return bytes < 1024 * 1024
    ? quantity(Math.ceil(bytes / 1024), "kilobyte", "short")
    : quantity(bytes / 1024 / 1024, "megabyte", "short", 1);
}

// --- The upload of one file --------------------------------------------------------------------------

/** A failure, with a sentence for the page. */
class UploadError extends Error {
  /** `retryable`: the script tries again by itself. `final`: the button Try again cannot help. */
  constructor(message, { retryable = false, final = false, wait = 0 } = {}) {
    super(message);
    Object.assign(this, { retryable, final, wait });
  }
}

class Cancelled extends Error {}

/** Storage origins that have answered this page, so their CORS rules allow it. */
const answered = new Set();
/** Storage origins that seem to answer without allowing this page: how often in a row. */
const suspected = new Map();
let blockedByPolicy = "";
document.addEventListener("securitypolicyviolation", (event) => {
  if (event.effectiveDirective === "connect-src") {
    blockedByPolicy = event.blockedURI;
  }
});

/** After a failure, an upload can be run again and resumes with what is missing. */
class Upload {
  constructor(file, addresses, csrf, onProgress) {
    Object.assign(this, { file, addresses, csrf, onProgress });
    this.id = null;
    this.sent = false;
    this.blocks = new Map(); // index -> bytes of the blocks that storage has
    this.moving = new Map(); // key -> bytes sent by requests in flight
    this.cancelled = new AbortController();
  }

  cancel() {
    this.cancelled.abort();
    if (this.id) {
      // The file may have arrived just now.
      this.ask("discard", { id: this.id }, { keepalive: true }).catch(() => {});
    }
  }

  /** The token for the form, and the server's findings. Throws UploadError, or Cancelled. */
  async run(onChecking) {
    for (let round = 0; ; round += 1) {
      if (!this.sent) {
        await this.send();
      }
      onChecking();
      const answer = await this.persist(() => this.ask("finish", { id: this.id }));
      if (answer.code === "missing" && round < 2) {
        this.forget(); // the blob is gone: send all of it again
        continue;
      }
      if (answer.error) {
        this.forget();
        throw new UploadError(answer.error, { final: answer.code !== "missing" && answer.code !== "changed" });
      }
      return answer;
    }
  }

  forget() {
    this.id = null;
    this.grant = null;
    this.sent = false;
    this.blocks.clear();
  }

  async send() {
    if (!this.grant) {
      await this.begin();
    }
    for (let signatures = 0; !this.sent; signatures += 1) {
      try {
        await (this.grant.block_bytes ? this.sendBlocks() : this.sendWhole());
        this.sent = true;
      } catch (error) {
        // 403: the signature has expired, or the blob exists as the answer to its PUT was lost.
        if (error.status !== 403 && error.status !== 409) {
          throw error;
        }
        if (signatures >= 2 && !error.progress) {
          throw new UploadError(text("storageRefused", { code: error.code || error.status }));
        }
        await this.begin();
        this.sent = this.grant.exists;
      } finally {
        this.moving.clear();
      }
    }
  }

  async begin() {
    const { name, size } = this.file;
    const asked = this.id ? { id: this.id } : { name, size };
    const { files, error } = await this.persist(() => this.ask("begin", { files: [asked] }));
    const refusal = error || files[0].error;
    if (refusal) {
      this.forget();
      throw new UploadError(refusal, { final: true });
    }
    [this.grant] = files;
    this.id = this.grant.id;
  }

  async sendWhole() {
    const { url, headers } = this.grant;
    await this.persist(() => this.put(url, this.file, headers, "whole"));
  }

  async sendBlocks() {
    const size = this.grant.block_bytes;
    const count = Math.ceil(this.file.size / size);
    const before = this.blocks.size;
    const left = [...Array(count).keys()].filter((index) => !this.blocks.has(index));
    const work = async () => {
      while (left.length > 0) {
        const index = left.shift();
        const piece = this.file.slice(index * size, (index + 1) * size);
        const url = `${this.grant.url}&comp=block&blockid=${encodeURIComponent(blockId(index))}`;
        try {
          await this.persist(() => this.put(url, piece, {}, index));
        } catch (error) {
          left.length = 0; // the other workers stop after their block
          throw error;
        }
        this.blocks.set(index, piece.size);
      }
    };
    const results = await Promise.allSettled(Array.from({ length: BLOCKS_AT_ONCE }, work));
    const failed = results.find((result) => result.status === "rejected");
    if (failed) {
      throw Object.assign(failed.reason, { progress: this.blocks.size > before });
    }
    const ids = Array.from({ length: count }, (_, index) => `<Latest>${blockId(index)}</Latest>`);
    const list = `<?xml version="1.0" encoding="utf-8"?><BlockList>${ids.join("")}</BlockList>`;
    try {
      await this.persist(() => this.put(`${this.grant.url}&comp=blocklist`, new Blob([list]), {}, null));
    } catch (error) {
      if (error.code === "InvalidBlockList") {
        this.blocks.clear();
        throw Object.assign(new UploadError(text("storageLostPart")), { status: 409, progress: before > 0 });
      }
      throw error;
    }
  }

  /** Retry until the step succeeds, fails for good, or ATTEMPTS are used up; waits grow longer. */
  async persist(step) {
    for (let attempt = 1; ; attempt += 1) {
      if (this.cancelled.signal.aborted) {
        throw new Cancelled();
      }
      try {
        return await step();
      } catch (error) {
        if (!error.retryable || attempt === ATTEMPTS || this.cancelled.signal.aborted) {
          throw this.cancelled.signal.aborted ? new Cancelled() : error;
        }
        const wait = Math.min(MAX_WAIT, FIRST_WAIT * 2 ** (attempt - 1));
        await this.pause(Math.max(error.wait, wait * (0.5 + Math.random() / 2)));
      }
    }
  }

  pause(milliseconds) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.cancelled.signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
    });
  }

  /** The site's JSON answer, which may be a refusal. */
  async ask(step, body, more = {}) {
    let response;
    try {
      response = await fetch(this.addresses[step], {
        method: "POST",
        credentials: "same-origin",
        headers: { "Content-Type": "application/json", "X-CSRFToken": this.csrf },
        body: JSON.stringify(body),
        ...more,
      });
    } catch {
      throw new UploadError(text("siteSilent"), { retryable: true });
    }
    const answer = await response.json().catch(() => null);
    if (answer?.code === "unavailable") {
      throw new UploadError(answer.error); // retrying does not help soon
    }
    if (isTransient(response.status)) {
      throw new UploadError(text("siteSilent"), { retryable: true, wait: retryAfter(response.headers.get("Retry-After")) });
    }
    if (answer === null) {
      throw new UploadError(
        response.status === 403
          ? text("pageExpired")
          : text("siteConfused", { code: response.status }),
      );
    }
    return answer;
  }

  /** One request to storage. Throws UploadError, with `status` and `code` if storage refused it. */
  put(url, body, headers, key) {
    const { origin } = new URL(url);
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      const signal = this.cancelled.signal;
      let moved = false;
      let stall;
      const watch = () => {
        clearTimeout(stall);
        stall = setTimeout(() => request.abort(), STALL);
      };
      const abort = () => request.abort();
      const settle = (outcome, value) => {
        clearTimeout(stall);
        signal.removeEventListener("abort", abort);
        if (outcome === reject) {
          this.moving.delete(key);
          this.tell();
        }
        outcome(value);
      };
      signal.addEventListener("abort", abort);
      request.open("PUT", url);
      request.setRequestHeader("Content-Type", "application/octet-stream");
      for (const [name, value] of Object.entries(headers)) {
        request.setRequestHeader(name, value);
      }
      request.upload.addEventListener("progress", (event) => {
        moved ||= event.loaded > 0;
        watch();
        if (key !== null) {
          this.moving.set(key, Math.min(event.loaded, body.size));
          this.tell();
        }
      });
      request.addEventListener("load", () => {
        answered.add(origin);
        if (request.status === 201) {
          this.moving.delete(key);
          settle(resolve);
          return;
        }
        const code = /<Code>(\w+)<\/Code>/.exec(request.responseText)?.[1] ?? "";
        const message = code.startsWith("Container")
          ? text("unavailable")
          : text("storageRefused", { code: code || request.status });
        const error = new UploadError(message, {
          retryable: isTransient(request.status),
          wait: retryAfter(request.getResponseHeader("Retry-After")),
        });
        settle(reject, Object.assign(error, { status: request.status, code }));
      });
      request.addEventListener("abort", () => {
        settle(reject, signal.aborted ? new Cancelled() : new UploadError(text("storageSilent"), { retryable: true }));
      });
      request.addEventListener("error", async () => {
        settle(reject, await explain(url, origin, moved));
      });
      watch();
      request.send(body);
    });
  }

  tell() {
    const bytes = [...this.blocks, ...this.moving].reduce((sum, [, count]) => sum + count, 0);
    this.onProgress(Math.min(1, bytes / this.file.size));
  }
}

/** Why a request failed. The browser does not say; what else it allows shows the reason. */
async function explain(url, origin, moved) {
  if (blockedByPolicy.startsWith(origin)) {
    console.error(`This page's Content-Security-Policy does not let it send to ${origin}: connect-src has to include it.`);
    return new UploadError(text("pageForbidden"), { final: true });
  }
  const unreachable = new UploadError(text("storageSilent"), { retryable: true });
  if (moved || answered.has(origin)) {
    return unreachable;
  }
  try {
    // Without CORS the request is sent, and all that the script learns is whether it was answered.
    await fetch(url, { mode: "no-cors", credentials: "omit", cache: "no-store", signal: AbortSignal.timeout(10_000) });
  } catch {
    return unreachable;
  }
  const times = (suspected.get(origin) ?? 0) + 1;
  suspected.set(origin, times);
  if (times < 2) {
    return unreachable; // perhaps a broken connection
  }
  const site = window.location.origin;
  console.error(
    `${origin} refuses uploads from the origin ${site}: no CORS rule of the blob service allows it to send (PUT) ` +
    `the headers content-type and x-ms-*. To find out more: python manage.py doctor --origin ${site}`,
  );
  return new UploadError(text("addressForbidden"));
}

function blockId(index) {
  return btoa(String(index).padStart(6, "0")); // all have one length, as "Put Block" requires
}

function isTransient(status) {
  return status === 408 || status === 429 || status >= 500;
}

function retryAfter(header) {
  const seconds = Number(header);
  return seconds > 0 ? Math.min(seconds, 120) * 1000 : 0;
}

// --- The page ----------------------------------------------------------------------------------------

/** One file in the list: its preview, its progress, and buttons. */
class Entry {
  constructor(field, file) {
    Object.assign(this, { field, file, state: "waiting" });
    const { name } = file;
    this.canvas = element("canvas", { className: "direct-preview", hidden: true, width: 0, height: 0 });
    this.note = element("span", { className: "direct-note" });
    this.bar = element("progress", { max: 100, value: 0 });
    this.bar.setAttribute("aria-label", text("progress", { name }));
    this.error = element("p", { className: "direct-error", hidden: true });
    this.again = element("button", { type: "button", className: "direct-again", textContent: text("tryAgain"), hidden: true });
    this.again.setAttribute("aria-label", text("tryAgainNamed", { name }));
    this.away = element("button", { type: "button", className: "direct-away" });
    const words = element("div", { className: "direct-words" });
    words.append(element("span", { className: "direct-name", textContent: name }), this.note, this.bar, this.error);
    this.item = element("li", { className: "direct-file" });
    this.item.append(this.canvas, words, this.again, this.away);
    this.again.addEventListener("click", () => field.retry(this));
    this.away.addEventListener("click", () => field.remove(this));
    this.show("waiting");
    preview(file, this.canvas);
  }

  get busy() {
    return ["waiting", "sending", "checking"].includes(this.state);
  }

  show(state, error) {
    this.state = state;
    this.item.dataset.state = state;
    const note = state === "sending" ? percent(0) : messages[state];
    const size = roundedSize(this.file.size);
    this.note.textContent = state === "failed" ? size : `${size} · ${note}`;
    this.bar.hidden = !this.busy;
    if (state === "checking") {
      this.bar.removeAttribute("value"); // an indeterminate progress bar
    } else if (state !== "sending") {
      this.bar.value = 0;
    }
    this.error.hidden = state !== "failed";
    this.error.textContent = error?.message ?? "";
    this.again.hidden = state !== "failed" || error.final;
    const action = this.busy ? "cancel" : "remove";
    this.away.textContent = text(action);
    this.away.setAttribute("aria-label", text(`${action}Named`, { name: this.file.name }));
  }

  progress(share) {
    if (this.state === "sending") {
      this.bar.value = Math.floor(share * 100);
      this.note.textContent = `${roundedSize(this.file.size)} · ${percent(share)}`;
    }
  }
}

/** A field of the form: the input, the list below it, and the hidden inputs with tokens. */
class Field {
  constructor(root) {
    this.root = root;
    this.input = root.querySelector("input[type=file]");
    this.form = this.input.form;
    const { begin, finish, discard } = root.dataset;
    this.addresses = { begin, finish, discard };
    this.list = root.querySelector("[data-direct-files]");
    this.status = root.querySelector("[data-direct-status]");
    this.drop = root.querySelector("[data-direct-drop]");
    this.entries = [];
    this.running = 0;
    this.required = this.input.required;
    root.dataset.ready = "";
    this.adopt();
    this.input.addEventListener("change", () => this.take(this.input));
    this.listenForDrops();
    this.offerCamera();
    this.form.addEventListener("submit", (event) => this.submitted(event), true);
    window.addEventListener("beforeunload", (event) => {
      if (this.entries.some((entry) => entry.busy)) {
        event.preventDefault();
      }
    });
    // The browser's Back button may show the page as it was left: its tokens have been used.
    window.addEventListener("pageshow", (event) => {
      if (event.persisted && this.form.dataset.directSent) {
        delete this.form.dataset.directSent;
        [...this.entries].forEach((entry) => this.strike(entry));
      }
    });
    this.changed();
    if (this.input.files.length > 0) {
      this.take(this.input); // chosen before this script was loaded
    }
  }

  /** The uploads that the server lists in a form that is shown again with an error elsewhere. */
  adopt() {
    for (const item of [...this.list.children]) {
      const token = item.querySelector("input");
      const file = { name: item.querySelector(".direct-name").textContent, size: Number(item.dataset.size), type: "" };
      const entry = new Entry(this, file);
      entry.show("done");
      entry.token = token;
      entry.item.append(token);
      item.replaceWith(entry.item);
      this.entries.push(entry);
    }
  }

  take(input) {
    const files = [...input.files];
    input.value = ""; // otherwise the form would send them to the site as well
    this.add(files);
  }

  add(files) {
    const chosen = this.input.multiple ? files : files.slice(0, 1);
    if (chosen.length > 0 && !this.input.multiple) {
      [...this.entries].forEach((entry) => this.remove(entry));
    }
    for (const file of chosen) {
      const entry = new Entry(this, file);
      this.entries.push(entry);
      this.list.append(entry.item);
      const refusal = this.refusal(file);
      if (refusal) {
        this.failed(entry, new UploadError(refusal, { final: true }));
      }
    }
    if (this.entries.some((entry) => entry.busy)) {
      this.say(
        chosen.length > 1
          ? text("filesUploading", { count: chosen.length })
          : text("fileUploading", { name: chosen[0].name }),
      );
    }
    this.changed();
    this.next();
  }

  /** What can be checked before a byte is sent; the server inspects what arrives. */
  refusal(file) {
    const limit = Number(this.root.dataset.maxBytes);
    const types = this.root.dataset.types.split(",").filter(Boolean);
    if (file.size === 0) {
      return text("empty");
    }
    if (file.size > limit) {
      const format = roundedSize(file.size) === roundedSize(limit) ? exactSize : roundedSize;
      return text("tooLarge", { size: format(file.size), limit: format(limit) });
    }
    if (file.type && types.length > 0 && !types.includes(file.type)) {
      const names = types.map((type) => type.replace(/^image\//, "").toUpperCase());
      return text("wrongType", { types: names.join(", ") });
    }
    return "";
  }

  next() {
    const waiting = this.entries.filter((entry) => entry.state === "waiting");
    for (const entry of waiting.slice(0, Math.max(0, FILES_AT_ONCE - this.running))) {
      this.run(entry);
    }
  }

  async run(entry) {
    this.running += 1;
    entry.show("sending");
    const csrf = this.form.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
    entry.upload ??= new Upload(entry.file, this.addresses, csrf, (share) => entry.progress(share));
    try {
      const found = await entry.upload.run(() => entry.show("checking"));
      if (this.entries.includes(entry)) {
        this.done(entry, found.token);
      }
    } catch (error) {
      if (!(error instanceof Cancelled) && this.entries.includes(entry)) {
        this.failed(entry, error instanceof UploadError ? error : new UploadError(text("failed")));
      }
    }
    this.running -= 1;
    this.next();
    this.changed();
  }

  done(entry, token) {
    entry.token = element("input", { type: "hidden", name: this.root.dataset.name, value: token, autocomplete: "off" });
    entry.item.append(entry.token);
    entry.show("done");
    this.say(text("fileUploaded", { name: entry.file.name }));
  }

  failed(entry, error) {
    entry.show("failed", error);
    this.say(text("fileFailed", { name: entry.file.name, reason: error.message }));
  }

  retry(entry) {
    entry.show("waiting");
    entry.away.focus();
    this.changed();
    this.next();
  }

  remove(entry) {
    const busy = entry.busy;
    const focused = entry.item.contains(document.activeElement);
    entry.upload?.cancel();
    this.strike(entry);
    this.say(text(busy ? "fileCancelled" : "fileRemoved", { name: entry.file.name }));
    if (focused) {
      this.input.focus();
    }
    this.next();
  }

  strike(entry) {
    entry.item.remove();
    this.entries = this.entries.filter((other) => other !== entry);
    this.changed();
  }

  /** Submitted as soon as all files are uploaded, and not at all while one has failed. */
  submitted(event) {
    const failed = this.entries.find((entry) => entry.state === "failed");
    if (failed) {
      this.hold(event);
      this.say(text("fileUnresolved", { name: failed.file.name }));
      failed.item.scrollIntoView({ block: "nearest" });
      (failed.again.hidden ? failed.away : failed.again).focus();
    } else if (this.entries.some((entry) => entry.busy)) {
      this.hold(event);
      this.waits = { submitter: event.submitter };
      this.say(text("formWaits"));
    } else if (!event.defaultPrevented && this.entries.length > 0) {
      this.form.dataset.directSent = "yes";
    }
    this.changed();
  }

  hold(event) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  changed() {
    this.input.required = this.required && this.entries.length === 0;
    const busy = this.entries.some((entry) => entry.busy);
    if (this.waits && !busy) {
      const { submitter } = this.waits;
      delete this.waits;
      if (this.entries.length > 0) {
        this.form.requestSubmit(submitter);
      }
    }
    const detail = {
      files: this.entries.map(({ file, state }) => ({ name: file.name, size: file.size, state })),
      waiting: Boolean(this.waits),
    };
    this.root.dispatchEvent(new CustomEvent("direct:change", { bubbles: true, detail }));
  }

  say(text) {
    this.status.textContent = text;
  }

  listenForDrops() {
    const { drop } = this;
    for (const one of drop.querySelectorAll("[data-direct-or]")) {
      one.hidden = false;
    }
    for (const kind of ["dragenter", "dragover"]) {
      drop.addEventListener(kind, (event) => {
        if (event.dataTransfer.types.includes("Files")) {
          event.preventDefault();
          drop.classList.add("over");
        }
      });
    }
    drop.addEventListener("dragleave", (event) => {
      if (!drop.contains(event.relatedTarget)) {
        drop.classList.remove("over");
      }
    });
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      this.add([...event.dataTransfer.files]);
    });
  }

  /** A separate button: some phones' file dialogs for images offer the photo library only, and an
   * input with `capture` offers the camera only. */
  offerCamera() {
    const button = this.root.querySelector("[data-direct-camera]");
    const pictures = (this.input.accept || this.root.dataset.types).includes("image/");
    if (!button || !pictures || !window.matchMedia("(hover: none) and (pointer: coarse)").matches) {
      return;
    }
    const camera = element("input", { type: "file", accept: "image/*", hidden: true });
    camera.setAttribute("capture", "environment");
    camera.addEventListener("change", () => this.take(camera));
    button.after(camera);
    button.hidden = false;
    button.addEventListener("click", () => camera.click());
  }
}

/** Draw a thumbnail of the file into the canvas, if the browser can decode it. */
async function preview(file, canvas) {
  if (!file.type.startsWith("image/") || file.size > PREVIEW_BYTES) {
    return;
  }
  try {
    const bitmap = await createImageBitmap(file);
    const scale = Math.min(1, 320 / Math.max(bitmap.width, bitmap.height));
    canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    canvas.hidden = false;
  } catch {
    // Not an image, whatever its name: the server will say so.
  }
}

function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

function enhance(within) {
  for (const root of within.querySelectorAll("[data-direct-upload][data-begin]:not([data-ready])")) {
    messages = JSON.parse(root.dataset.messages);
    language = root.dataset.language;
    new Field(root);
  }
}

enhance(document);
// Django's admin adds rows to a form.
document.addEventListener("formset:added", (event) => enhance(event.target));
