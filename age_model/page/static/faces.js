// Run once for each view, and each list of cards. A box in the picture and the card of its face light up
// together; a card opens what there is to know of its face.
const view = element.closest(".answer-view") || element;
const places = (face) => view.querySelectorAll(`[data-face="${face}"]`);
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
let asking; // the panel that the server answers "Why?" for, and its question
let toAsk = []; // those that wait for it

const light = (event, on) => {
  const place = event.target.closest && event.target.closest("[data-face]");
  if (place && view !== element) for (const one of places(place.dataset.face)) one.classList.toggle("face-lit", on);
};
for (const [name, on] of [["pointerover", true], ["pointerout", false], ["focusin", true], ["focusout", false]])
  view.addEventListener(name, (event) => light(event, on));

const select = (chosen) => {
  const { face } = chosen.closest("[data-face]").dataset;
  const mark = chosen.getAttribute("aria-pressed") !== "true";
  for (const one of view.querySelectorAll("[data-face]")) {
    const marked = mark && one.dataset.face === face;
    one.classList.toggle("face-selected", marked);
    (one.matches("a") ? one : one.querySelector(".face-picture")).setAttribute("aria-pressed", marked);
  }
  const other = [...places(face)].find((place) => !place.contains(chosen));
  if (!mark || !other) return;
  other.scrollIntoView({ block: "nearest", behavior: still ? "auto" : "smooth" });
  (other.matches("a") ? other : other.querySelector(".face-picture")).focus({ preventScroll: true });
};

const open = (button) => {
  const card = button.closest(".face");
  const on = button.getAttribute("aria-expanded") !== "true";
  for (const other of card.querySelectorAll("[data-open]")) {
    const opened = on && other === button;
    other.setAttribute("aria-expanded", opened);
    card.querySelector(`[data-panel="${other.dataset.open}"]`).hidden = !opened;
  }
  card.classList.toggle("face-open", on);
  if (on && button.dataset.open === "why") explain(card);
};

const askNext = () => {
  toAsk = toAsk.filter(({ panel }) => panel.isConnected); // not those of a picture that is gone
  asking = toAsk.shift();
  if (asking) trigger("select", asking.question);
};

const explain = (card) => {
  const panel = card.querySelector('[data-panel="why"]');
  if (panel.children.length && !panel.querySelector(".why-failed")) return;
  panel.innerHTML = '<p class="answer-running" role="status">Asking the network with parts of the face blurred …</p>';
  const { example } = view.querySelector(".keep").dataset; // the page opens with one
  toAsk.push({ panel, question: { ...(view.picture || { example }), face: Number(card.dataset.face) } });
  if (!asking) askNext();
};

view.addEventListener("click", (event) => {
  const chosen = event.target.closest("a[data-face], button.face-picture");
  if (chosen) event.preventDefault();
  if (chosen) select(chosen);
  else if (event.target.closest("[data-open]")) open(event.target.closest("[data-open]"));
});
view.addEventListener("explained", () => {
  const answers = view.querySelectorAll(".view-why"); // Gradio gives the class to two boxes, one in the other
  asking.panel.innerHTML = answers[answers.length - 1].innerHTML;
  askNext();
});
view.addEventListener("unexplained", () => {
  asking.panel.innerHTML = '<p class="why-failed" role="alert">The server is busy or out of reach. Close this, and open it again in a moment.</p>';
  askNext();
});
view.addEventListener("input", (event) => {
  if (!event.target.closest(".why-slider")) return;
  event.target.closest(".why").style.setProperty("--map", event.target.value / 100);
});
view.addEventListener("change", (event) => {
  if (event.target.closest(".stage-ages")) view.classList.toggle("view-no-ages", !event.target.checked);
});
