// What the page does beyond plain HTML. Without this file it works as well: choose, upload, delete.

const form = document.querySelector("[data-upload]");
if (form) {
  enhanceUpload(form);
}
enhanceDelete([...document.querySelectorAll("[data-delete]")]);
markGone([...document.querySelectorAll(".frame img")]);

/** Preview, drag and drop, a check of the size, and no second upload by a double click. */
function enhanceUpload(form) {
  const part = (name) => form.querySelector(`[data-${name}]`);
  const input = form.querySelector("input[type=file]");
  const drop = part("drop");
  const hint = part("hint");
  const plainHint = hint.textContent;
  part("or").hidden = false;

  input.addEventListener("change", async () => {
    const file = input.files[0];
    hint.textContent = file ? `${file.name} · ${megabytes(file.size)}` : plainHint;
    const tooLarge = file && file.size > Number(input.dataset.maxBytes);
    complain(tooLarge ? `This picture has ${megabytes(file.size)}; at most ${megabytes(Number(input.dataset.maxBytes))} can be stored.` : "");
    const shown = file && !tooLarge ? await preview(file, part("preview")) : false;
    part("preview").hidden = !shown;
    part("glyph").toggleAttribute("hidden", shown);
    part("pick").textContent = file ? "Choose another picture" : "Choose a picture";
    form.classList.toggle("chosen", Boolean(file));
  });

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
    if (event.dataTransfer.files.length > 0) {
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change"));
    }
  });

  form.addEventListener("submit", (event) => {
    if (form.dataset.sent || input.validationMessage) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    part("submit").textContent = "Uploading…";
    part("submit").setAttribute("aria-disabled", "true");
  });
  // The browser's Back button may show the page as it was left.
  window.addEventListener("pageshow", () => {
    delete form.dataset.sent;
    part("submit").textContent = "Upload";
    part("submit").removeAttribute("aria-disabled");
  });

  function complain(text) {
    input.setCustomValidity(text);
    const errors = part("errors");
    errors.replaceChildren();
    if (text) {
      const line = document.createElement("p");
      line.textContent = text;
      errors.append(line);
    }
  }
}

/** Draw the file into the canvas; false where the browser cannot read it. */
async function preview(file, canvas) {
  try {
    const bitmap = await createImageBitmap(file);
    const scale = Math.min(1, 480 / Math.max(bitmap.width, bitmap.height));
    canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    return true;
  } catch {
    return false;
  }
}

/** One question open at a time; Escape and a click elsewhere close it. */
function enhanceDelete(all) {
  const close = (except) => all.forEach((one) => one !== except && one.removeAttribute("open"));
  all.forEach((one) => one.addEventListener("toggle", () => one.open && close(one)));
  document.addEventListener("click", (event) => close(event.target.closest("[data-delete]")));
  document.addEventListener("keydown", (event) => {
    const open = all.find((one) => one.open);
    if (event.key === "Escape" && open) {
      open.removeAttribute("open");
      open.querySelector("summary").focus();
    }
  });
}

/** A picture whose blob is gone says so, where a browser would show a torn icon. */
function markGone(images) {
  for (const image of images) {
    const mark = () => image.closest(".frame").classList.add("gone");
    image.addEventListener("error", mark);
    if (image.complete && image.currentSrc && image.naturalWidth === 0) {
      mark();
    }
  }
}

function megabytes(bytes) {
  return bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
