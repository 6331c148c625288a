// Sends files from the page straight to blob storage. Without this file the form uploads as forms do.
//
// One file, as a page that is open while the site is published anew must not get half of another
// version. It sets no styles and runs under a Content-Security-Policy without 'unsafe-inline'; the
// policy's connect-src has to name the blob service.

const FILES_AT_ONCE = 3;
const BLOCKS_AT_ONCE = 4;
const ATTEMPTS = 6;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;
// A request on which nothing moves for so long is tried again.
const STALL = 60_000;
const PREVIEW_BYTES = 40 * 1024 * 1024;

// --- One file's way ----------------------------------------------------------------------------------

/** What went wrong, in a sentence for the page. */
class Trouble extends Error {
  /** `again`: by itself, after a while. `useless`: choosing Try again cannot help either. */
  constructor(message, { again = false, useless = false, wait = 0 } = {}) {
    super(message);
    Object.assign(this, { again, useless, wait });
  }
}

class Cancelled extends Error {}

/** Origins of storage that have answered this page once: of them CORS is not the trouble. */
const answered = new Set();
/** And those that answer, but let no answer through: how often in a row. */
const suspected = new Map();
let blockedByPolicy = "";
document.addEventListener("securitypolicyviolation", (event) => {
  if (event.effectiveDirective === "connect-src") {
    blockedByPolicy = event.blockedURI;
  }
});

/** An upload can be run again after it failed: it goes on with what is missing. */
class Upload {
  constructor(file, addresses, csrf, onProgress) {
    Object.assign(this, { file, addresses, csrf, onProgress });
    this.id = null;
    this.sent = false;
    this.blocks = new Map(); // index -> bytes; those that storage has
    this.moving = new Map(); // key -> bytes of a request under way
    this.cancelled = new AbortController();
  }

  cancel() {
    this.cancelled.abort();
    if (this.id) {
      // It may have arrived in this moment.
      this.ask("discard", { id: this.id }, { keepalive: true }).catch(() => {});
    }
  }

  /** The token for the form, and what the server found. Throws Trouble, or Cancelled. */
  async run(onChecking) {
    for (let round = 0; ; round += 1) {
      if (!this.sent) {
        await this.send();
      }
      onChecking();
      const answer = await this.persist(() => this.ask("finish", { id: this.id }));
      if (answer.code === "missing" && round < 2) {
        this.forget(); // what was sent is gone, so all of it goes again
        continue;
      }
      if (answer.error) {
        this.forget();
        throw new Trouble(answer.error, { useless: answer.code !== "missing" && answer.code !== "changed" });
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
        // 403: the signature ran out, or the blob is there since an answer that was lost.
        if (error.status !== 403 && error.status !== 409) {
          throw error;
        }
        if (signatures >= 2 && !error.progress) {
          throw new Trouble(`The storage refused the file (${error.code || error.status}).`);
        }
        await this.begin();
        this.sent = this.grant.there;
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
      throw new Trouble(refusal, { useless: true });
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
          left.length = 0; // the others end with their block
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
        throw Object.assign(new Trouble("The storage lost a part of the file."), { status: 409, progress: before > 0 });
      }
      throw error;
    }
  }

  /** Try until it works, cannot work, or ATTEMPTS are used up; longer waits each time. */
  async persist(step) {
    for (let attempt = 1; ; attempt += 1) {
      if (this.cancelled.signal.aborted) {
        throw new Cancelled();
      }
      try {
        return await step();
      } catch (error) {
        if (!error.again || attempt === ATTEMPTS || this.cancelled.signal.aborted) {
          throw this.cancelled.signal.aborted ? new Cancelled() : error;
        }
        const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempt - 1));
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

  /** The site's own answer, its refusals among them. */
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
      throw new Trouble("The site does not answer.", { again: true });
    }
    const answer = await response.json().catch(() => null);
    if (answer?.code === "unavailable") {
      throw new Trouble(answer.error); // by itself it does not get better soon
    }
    if (isTransient(response.status)) {
      throw new Trouble("The site does not answer.", { again: true, wait: retryAfter(response.headers.get("Retry-After")) });
    }
    if (answer === null) {
      throw new Trouble(
        response.status === 403
          ? "The site no longer knows this page. Load it anew, and try again."
          : `The site gave no answer that makes sense (${response.status}).`,
      );
    }
    return answer;
  }

  /** One request to storage. Throws Trouble; with `status` and `code` where storage said no. */
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
          ? "Uploads are not available right now."
          : `The storage refused the file (${code || request.status}).`;
        const trouble = new Trouble(message, {
          again: isTransient(request.status),
          wait: retryAfter(request.getResponseHeader("Retry-After")),
        });
        settle(reject, Object.assign(trouble, { status: request.status, code }));
      });
      request.addEventListener("abort", () => {
        settle(reject, signal.aborted ? new Cancelled() : new Trouble("The storage does not answer.", { again: true }));
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

/** Why a request came to nothing. The browser does not say; what else it lets through does. */
async function explain(url, origin, moved) {
  if (blockedByPolicy.startsWith(origin)) {
    console.error(`This page's Content-Security-Policy does not let it send to ${origin}: connect-src has to name it.`);
    return new Trouble("Uploads from this page are not allowed; tell the site's owner.", { useless: true });
  }
  const away = new Trouble("The storage does not answer.", { again: true });
  if (moved || answered.has(origin)) {
    return away;
  }
  try {
    // Without CORS one may ask, and sees no more than that there was an answer.
    await fetch(url, { mode: "no-cors", credentials: "omit", cache: "no-store", signal: AbortSignal.timeout(10_000) });
  } catch {
    return away;
  }
  const times = (suspected.get(origin) ?? 0) + 1;
  suspected.set(origin, times);
  if (times < 2) {
    return away; // a connection that broke, it may be
  }
  const site = window.location.origin;
  console.error(
    `${origin} refuses uploads from the origin ${site}: no CORS rule of the blob service allows it to send (PUT) ` +
    `the headers content-type and x-ms-*. What to do: python manage.py doctor --origin ${site}`,
  );
  return new Trouble("Uploads from this address are not allowed; tell the site's owner.");
}

function blockId(index) {
  return btoa(String(index).padStart(6, "0")); // all of one length, as "Put Block" wants
}

function isTransient(status) {
  return status === 408 || status === 429 || status >= 500;
}

function retryAfter(header) {
  const seconds = Number(header);
  return seconds > 0 ? Math.min(seconds, 120) * 1000 : 0;
}

// --- What the page shows -----------------------------------------------------------------------------

/** One file in the list: its preview, its progress, and buttons. */
class Entry {
  constructor(field, file) {
    Object.assign(this, { field, file, state: "waiting" });
    const { name } = file;
    this.canvas = element("canvas", { className: "direct-preview", hidden: true, width: 0, height: 0 });
    this.note = element("span", { className: "direct-note" });
    this.bar = element("progress", { max: 100, value: 0 });
    this.bar.setAttribute("aria-label", `Uploading ${name}`);
    this.error = element("p", { className: "direct-error", hidden: true });
    this.again = element("button", { type: "button", className: "direct-again", textContent: "Try again", hidden: true });
    this.again.setAttribute("aria-label", `Try again: ${name}`);
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

  show(state, trouble) {
    this.state = state;
    this.item.dataset.state = state;
    const size = amount(this.file.size);
    this.note.textContent = {
      waiting: `${size} · waiting`,
      sending: `${size} · 0 %`,
      checking: `${size} · being checked`,
      done: `${size} · uploaded`,
      failed: size,
    }[state];
    this.bar.hidden = !this.busy;
    if (state === "checking") {
      this.bar.removeAttribute("value"); // nobody knows how long
    } else if (state !== "sending") {
      this.bar.value = 0;
    }
    this.error.hidden = state !== "failed";
    this.error.textContent = trouble?.message ?? "";
    this.again.hidden = state !== "failed" || trouble.useless;
    this.away.textContent = this.busy ? "Cancel" : "Remove";
    this.away.setAttribute("aria-label", `${this.away.textContent} ${this.file.name}`);
  }

  progress(share) {
    if (this.state === "sending") {
      this.bar.value = Math.floor(share * 100);
      this.note.textContent = `${amount(this.file.size)} · ${Math.floor(share * 100)} %`;
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
    // The browser's Back button may show the page as it was left: those tokens are spent.
    window.addEventListener("pageshow", (event) => {
      if (event.persisted && this.form.dataset.directSent) {
        delete this.form.dataset.directSent;
        [...this.entries].forEach((entry) => this.strike(entry));
      }
    });
    this.changed();
    if (this.input.files.length > 0) {
      this.take(this.input); // chosen before this script was here
    }
  }

  /** What the server kept of a form that came back with an error elsewhere. */
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
    input.value = ""; // else the form would send them once more, by the site
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
        this.failed(entry, new Trouble(refusal, { useless: true }));
      }
    }
    if (this.entries.some((entry) => entry.busy)) {
      this.say(chosen.length > 1 ? `${chosen.length} files are being uploaded.` : `${chosen[0].name} is being uploaded.`);
    }
    this.changed();
    this.next();
  }

  /** What can be said before a byte is sent; the server looks at what arrives. */
  refusal(file) {
    const most = Number(this.root.dataset.maxBytes);
    const types = this.root.dataset.types.split(",").filter(Boolean);
    if (file.size === 0) {
      return "This file is empty.";
    }
    if (file.size > most) {
      const [has, limit] = amount(file.size) === amount(most)
        ? [file.size, most].map((bytes) => `${bytes.toLocaleString("en")} bytes`)
        : [file.size, most].map(amount);
      return `This file has ${has}; at most ${limit} can be stored.`;
    }
    if (file.type && types.length > 0 && !types.includes(file.type)) {
      const names = types.map((type) => type.replace(/^image\//, "").toUpperCase());
      return `This is no file of a type that can be stored: ${names.join(", ")}.`;
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
        this.failed(entry, error instanceof Trouble ? error : new Trouble("This did not work."));
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
    this.say(`${entry.file.name} is uploaded.`);
  }

  failed(entry, trouble) {
    entry.show("failed", trouble);
    this.say(`${entry.file.name} is not uploaded: ${trouble.message}`);
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
    this.say(`${entry.file.name} is ${busy ? "cancelled" : "removed"}.`);
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

  /** Sent once all files are there; not at all while one has failed. */
  submitted(event) {
    const failed = this.entries.find((entry) => entry.state === "failed");
    if (failed) {
      this.hold(event);
      this.say(`${failed.file.name} is not uploaded: try again, or remove it.`);
      failed.item.scrollIntoView({ block: "nearest" });
      (failed.again.hidden ? failed.away : failed.again).focus();
    } else if (this.entries.some((entry) => entry.busy)) {
      this.hold(event);
      this.waits = { submitter: event.submitter };
      this.say("The form is sent as soon as the files are uploaded.");
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

  /** A button of its own: some phones' file dialogs for pictures offer the photo library alone, and
   * with `capture` on the one input there were no way to the library. */
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

/** Draw the file into the canvas, small; nothing where the browser cannot read it. */
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
    // Not a picture, whatever its name: the server will say so.
  }
}

function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

function amount(bytes) {
  if (bytes < 1024) {
    return `${bytes} bytes`;
  }
  return bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

function enhance(within) {
  for (const root of within.querySelectorAll("[data-direct-upload][data-begin]:not([data-ready])")) {
    new Field(root);
  }
}

enhance(document);
// Django's admin adds rows to a form.
document.addEventListener("formset:added", (event) => enhance(event.target));
