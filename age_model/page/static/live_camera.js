// Run once for what stands over the camera's picture. It opens the camera itself, so that it knows why
// one does not start, and gives the stream to Gradio's camera, which sends the frames; Gradio's own
// buttons are hidden. `view.dataset.live` says what is shown: off, starting, on, or problem.
const view = element.closest("#live-view");
const gradio = (selector) => view.querySelector(`#live-camera ${selector}`);
const video = () => gradio("video");
const problems = [...element.querySelectorAll("[data-problem]")];
const devices = navigator.mediaDevices; // none where the page is not https
const SIZE = { width: { ideal: 640 }, height: { ideal: 480 } };
let stream = null;

const show = (state, reason) => {
  view.dataset.live = state;
  const known = problems.some((one) => one.dataset.problem === reason);
  for (const one of problems) one.hidden = state !== "problem" || one.dataset.problem !== (known ? reason : "other");
  element.querySelector(".live-starting").textContent = state === "starting" ? "Waiting for the camera …" : "";
};

const closeStream = () => {
  for (const track of stream ? stream.getTracks() : []) track.stop();
  stream = null;
};

const until = async (done) => {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 30));
};

// Gradio asks for a camera of its own when it is first clicked: it is given this one.
const handOver = async () => {
  const opener = gradio("[title='grant webcam access'] button");
  if (opener) {
    const own = devices.getUserMedia;
    devices.getUserMedia = async () => stream;
    opener.click();
    await until(() => gradio(".capture-button"));
    devices.getUserMedia = own;
  } else {
    video().srcObject = stream;
    await video().play();
  }
  await until(() => video().videoWidth);
  view.style.setProperty("--shape", `${video().videoWidth} / ${video().videoHeight}`);
};

const facing = () => (stream ? stream.getVideoTracks()[0].getSettings() : {});

const open = async (wish) => {
  closeStream();
  stream = await devices.getUserMedia({ audio: false, video: { ...SIZE, ...wish } });
  await handOver();
  // The back camera shows the room as it is, not as in a mirror.
  view.classList.toggle("live-back", facing().facingMode === "environment");
  stream.getVideoTracks()[0].addEventListener("ended", () => stop());
  const cameras = (await devices.enumerateDevices()).filter((one) => one.kind === "videoinput");
  element.querySelector(".live-switch").hidden = cameras.length < 2;
  return cameras;
};

let sending = false;
const send = (on) => {
  if (sending !== on) gradio(".capture-button").click();
  sending = on;
};

const start = async (wish = { facingMode: "user" }) => {
  show("starting");
  try {
    await open(wish);
    send(true);
    show("on");
    element.querySelector(".live-stop").focus({ preventScroll: true });
    stopUnseen();
  } catch (error) {
    closeStream();
    show("problem", error.name);
    element.querySelector("[data-problem]:not([hidden]) button")?.focus({ preventScroll: true });
  }
};

const stop = () => {
  if (view.dataset.live !== "on") return;
  send(false);
  closeStream();
  video().srcObject = null;
  show("off");
  element.querySelector(".live-off button").focus({ preventScroll: true });
};

// Behind another tab of the page the camera is off.
const stopUnseen = () => {
  if (!view.checkVisibility()) stop();
};
new ResizeObserver(stopUnseen).observe(view);

// A phone says which way its cameras look; elsewhere the next one in the list is taken.
const other = async () => {
  const { facingMode, deviceId } = facing();
  if (facingMode) return { facingMode: { exact: facingMode === "user" ? "environment" : "user" } };
  const ids = (await devices.enumerateDevices()).filter((one) => one.kind === "videoinput").map((one) => one.deviceId);
  return { deviceId: { exact: ids[(ids.indexOf(deviceId) + 1) % ids.length] } };
};

element.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.matches(".live-start")) start();
  else if (button.matches(".live-stop")) stop();
  else start(await other());
});
if (devices && devices.getUserMedia) show("off");
else show("problem", "insecure");
