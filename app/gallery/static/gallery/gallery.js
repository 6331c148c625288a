// Enhances the page, which works without this script as well: choose, upload, delete.

const form = document.querySelector("[data-upload]");
if (form) {
  enhanceUpload(form);
}
enhanceDelete([...document.querySelectorAll("[data-delete]")]);
markGone([...document.querySelectorAll(".frame img")]);

/** Describes what is chosen, and prevents a second upload by a double click. direct.js sends. */
function enhanceUpload(form) {
  const part = (name) => form.querySelector(`[data-${name}]`);
  const input = form.querySelector("input[type=file]");
  const title = form.querySelector("input[name=title]");
  let known = null;
  const plainHint = part("title-hint").textContent;

  form.addEventListener("direct:change", ({ detail: { files, waiting } }) => {
    const many = files.length > 1;
    part("pick").textContent = files.length > 0 ? "Choose more pictures" : "Choose pictures";
    // A title is for one picture.
    title.disabled = many;
    part("title-hint").textContent = many ? "(each picture gets its file name)" : plainHint;
    form.classList.toggle("chosen", files.length > 0);
    if (!form.dataset.sent) {
      label(waiting ? "Uploads once the files are there…" : "Upload", waiting);
    }
    // The server's errors about the last attempt apply until something else is chosen.
    if (known !== null && known !== files.length) {
      part("errors").replaceChildren();
    }
    known = files.length;
  });

  // If the account takes no uploads from browsers, the input keeps its files.
  input.addEventListener("change", () => {
    const names = [...input.files].map((file) => file.name);
    if (names.length > 0 && !input.closest("[data-ready]")) {
      part("hint").textContent = names.join(", ");
    }
  });

  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented || form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    label("Uploading…", true);
  });
  // The browser's Back button may show the page as it was left.
  window.addEventListener("pageshow", () => {
    delete form.dataset.sent;
    label("Upload", false);
  });

  function label(text, busy) {
    part("submit").textContent = text;
    if (busy) {
      part("submit").setAttribute("aria-disabled", "true");
    } else {
      part("submit").removeAttribute("aria-disabled");
    }
  }
}

/** Only one confirmation is open at a time; Escape and a click elsewhere close it. */
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

/** Marks a picture whose blob is missing, instead of the browser's icon for a broken image. */
function markGone(images) {
  for (const image of images) {
    const mark = () => image.closest(".frame").classList.add("gone");
    image.addEventListener("error", mark);
    if (image.complete && image.currentSrc && image.naturalWidth === 0) {
      mark();
    }
  }
}
