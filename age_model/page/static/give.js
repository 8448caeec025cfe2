// Run once for each view, before the script of its buttons: how a picture is given, and asked about.
// `view.picture` is what the cards are about: what the server was told of it.
const view = element.closest(".answer-view");
const part = (name) => view.querySelector(name); // the other parts may come later than this one
const say = (text) => part(".stage-busy") && (part(".stage-busy").textContent = text);

// One question at a time, then the newest: Gradio's own "always_last" would ask the first one again, and
// an answer must not stand beside another picture.
let uploading = null; // the file that is on its way
let newest = null; // the picture that was asked for last
let asked = null; // the one that the server examines

const send = () => {
  asked = newest;
  trigger("submit", asked);
};

const ask = (picture) => {
  uploading = null;
  newest = picture;
  view.classList.remove("view-failed");
  view.classList.add("view-busy");
  say("Looking for faces …");
  if (!asked) send();
};

const fail = (text) => {
  view.classList.remove("view-busy");
  view.classList.add("view-failed");
  say(text);
};

// Whether what has ended was the newest question; if not, the newest goes out now.
const ended = () => {
  const last = asked === newest;
  asked = null;
  if (!last) send();
  return last && !uploading;
};

const sizeOf = (image) =>
  new Promise((resolve) => {
    image.onload = () => resolve([image.naturalWidth, image.naturalHeight]);
    image.onerror = () => resolve(null); // HEIC, TIFF: the server sends it as a JPEG
  });

const give = async (file) => {
  const own = part(".stage-own");
  uploading = file;
  view.classList.remove("view-failed");
  view.classList.add("view-busy", "view-own", "view-shown");
  if (own.src) URL.revokeObjectURL(own.src);
  const shown = sizeOf(own);
  own.src = URL.createObjectURL(file);
  own.hidden = false;
  try {
    const [{ path }, size] = await Promise.all([upload(file), shown]);
    if (uploading !== file) return; // another was given meanwhile
    own.hidden = !size;
    ask({ path, orig_name: file.name, size });
  } catch (error) {
    if (uploading !== file) return;
    uploading = null;
    fail("The photo could not be uploaded. Try again, or try a smaller one.");
  }
};

view.addEventListener("answered", () => {
  view.picture = asked;
  if (!ended()) return;
  view.classList.remove("view-busy", "view-own");
  const answer = part(".view-answer");
  say((answer.querySelector("h2, [role=alert], [role=status]") || answer).textContent);
  if (answer.getBoundingClientRect().top > 0.8 * innerHeight) answer.scrollIntoView({ block: "end" });
});
view.addEventListener("unanswered", () => {
  if (ended()) fail("The server is busy or out of reach. Try again in a moment.");
});
