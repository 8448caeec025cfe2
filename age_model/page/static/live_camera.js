// Run by Gradio for the place of the camera's messages (`props` is that place's). They are
// HTML, by the browser's reason. Gradio leaves alone what the browser answers when the camera is refused, so
// nothing would be seen.
const messages = MESSAGES;
const say = (reason) => {
  props.value = reason ? messages[reason] || messages.other : "";
};
const insecure = !navigator.mediaDevices || !navigator.mediaDevices.getUserMedia;
if (insecure) say("insecure");
window.addEventListener("unhandledrejection", (event) => {
  const camera = document.querySelector("#live-camera");
  const name = (event.reason && event.reason.name) || "";
  const known = name in messages || ["OverconstrainedError", "SecurityError"].includes(name);
  if (known && !insecure && camera && camera.checkVisibility()) say(name);
});
const clear = (event) => {
  if (!insecure && event.target.closest("#live-camera")) say("");
};
document.addEventListener("click", clear, true);
