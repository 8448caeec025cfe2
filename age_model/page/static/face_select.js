// Run once for each tab with faces. A box in the picture, or the picture on a card, marks that face in
// both places, and the way leads to the other one. Another time takes the mark away.
const view = element.closest(".photo-view");
view.addEventListener("click", (event) => {
  const chosen = event.target.closest("a[data-face], [data-face] button");
  if (!chosen) return;
  event.preventDefault();
  const { face } = chosen.closest("[data-face]").dataset;
  const mark = chosen.getAttribute("aria-pressed") !== "true";
  let other = null;
  for (const place of view.querySelectorAll("[data-face]")) {
    const marked = mark && place.dataset.face === face;
    const button = place.matches("a") ? place : place.querySelector("button");
    place.classList.toggle("face-selected", marked);
    button.setAttribute("aria-pressed", marked);
    if (marked && button !== chosen) other = { place, button };
  }
  if (!other) return;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  other.place.scrollIntoView({ block: "nearest", behavior: still ? "auto" : "smooth" });
  other.button.focus({ preventScroll: true });
});
