// Run once. A browser that does not know HEIC neither offers such files for "image/*" nor gives them a
// type, and Gradio's field for pictures turns them away. So they are offered by name, and get their
// type by name, before the field sees them.
const TYPES = { heic: "image/heic", heif: "image/heif" };
const ofField = (event) => event.target instanceof Element && event.target.closest("#photo-input");
const typed = (files) => {
  const given = new DataTransfer();
  for (const file of files) {
    const type = TYPES[file.name.split(".").pop().toLowerCase()];
    given.items.add(type && !file.type ? new File([file], file.name, { type }) : file);
  }
  return given.files;
};
const first = { capture: true }; // before the field's own listeners
document.addEventListener("click", (event) => {
  if (ofField(event) && event.target.type === "file") event.target.accept = "image/*, .heic, .heif";
}, first);
document.addEventListener("change", (event) => {
  if (ofField(event) && event.target.type === "file") event.target.files = typed(event.target.files);
}, first);
document.addEventListener("drop", (event) => {
  if (!ofField(event) || !event.dataTransfer.files.length) return;
  Object.defineProperty(event.dataTransfer, "files", { value: typed(event.dataTransfer.files) });
}, first);
