// The buttons of the tab Photo; after give.js. A photo may also be dropped or pasted anywhere.
const input = element.querySelector("input[type=file]");
const seen = () => view.checkVisibility();
const tab = (name) => [...document.querySelectorAll("button[role=tab]")].find((t) => t.textContent.trim() === name);
const actions = { choose: () => input.click(), camera: () => tab("Webcam").click() };

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.example) ask({ example: button.dataset.example });
  else actions[button.dataset.do]();
});
input.addEventListener("change", () => {
  if (input.files.length) give(input.files[0]);
  input.value = ""; // the same photo may be chosen again
});
document.addEventListener("paste", (event) => {
  const file = event.clipboardData && event.clipboardData.files[0];
  if (file && seen()) give(file);
});

const dragsFile = (event) => seen() && event.dataTransfer && [...event.dataTransfer.types].includes("Files");
document.addEventListener("dragover", (event) => {
  if (!dragsFile(event)) return;
  event.preventDefault();
  view.classList.add("view-drop");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) view.classList.remove("view-drop");
});
document.addEventListener("drop", (event) => {
  if (!dragsFile(event)) return;
  event.preventDefault();
  view.classList.remove("view-drop");
  if (event.dataTransfer.files.length) give(event.dataTransfer.files[0]);
});

// A link may name an example: ?example=group
const wanted = new URLSearchParams(location.search).get("example");
if ([...element.querySelectorAll("[data-example]")].some((b) => b.dataset.example === wanted)) ask({ example: wanted });
