// Run once for each view, before the script of its buttons: how a picture is given, and asked about.
// `view.picture` is what is shown: what the server was told of it.
const view = element.closest(".answer-view");
const part = (name) => view.querySelector(name); // the other parts may come later than this one
const say = (text) => part(".stage-busy") && (part(".stage-busy").textContent = text);

const ask = (picture) => {
  view.picture = picture;
  view.classList.add("view-busy");
  say("Looking for faces …");
  trigger("submit", picture);
};

const sizeOf = (image) =>
  new Promise((resolve) => {
    image.onload = () => resolve([image.naturalWidth, image.naturalHeight]);
    image.onerror = () => resolve(null); // HEIC, TIFF: the server sends it as a JPEG
  });

const give = async (file) => {
  const own = part(".stage-own");
  view.classList.remove("view-failed");
  view.classList.add("view-busy", "view-own", "view-shown");
  if (own.src) URL.revokeObjectURL(own.src);
  const shown = sizeOf(own);
  own.src = URL.createObjectURL(file);
  own.hidden = false;
  try {
    const [{ path }, size] = await Promise.all([upload(file), shown]);
    own.hidden = !size;
    ask({ path, orig_name: file.name, size });
  } catch (error) {
    view.classList.remove("view-busy");
    view.classList.add("view-failed");
    say("The photo could not be uploaded. Try again, or try a smaller one.");
  }
};

view.addEventListener("answered", () => {
  view.classList.remove("view-busy", "view-own");
  const answer = part(".view-answer");
  say((answer.querySelector("h2, [role=alert], [role=status]") || answer).textContent);
  if (answer.getBoundingClientRect().top > 0.8 * innerHeight) answer.scrollIntoView({ block: "end" });
});
