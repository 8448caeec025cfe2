// Run by Gradio for what it shows of the last frame: the boxes, and the faces in words. After Stop, or
// when answers stay away, they must not go on standing over a picture that has changed.
const STALE_MILLISECONDS = 3000;
const RATE_MILLISECONDS = 2000; // over which frames are counted
const empty = props.value;
const live = element.closest("#live-view");
let timer = 0;
let frames = [];

// The server sees the frames mirrored; the picture of the back camera is not.
const unmirror = (svg) => {
  const width = svg.viewBox.baseVal.width;
  for (const group of svg.querySelectorAll("g")) {
    const rect = group.querySelector("rect");
    const x = rect.x.baseVal.value;
    group.setAttribute("transform", `translate(${width - rect.width.baseVal.value - 2 * x})`);
  }
};

const count = (said) => {
  const now = performance.now();
  frames = [...frames, now].filter((then) => now - then < RATE_MILLISECONDS);
  const details = live.querySelector(".live-details");
  details.querySelector(".live-rate").textContent = Math.round((1000 * frames.length) / RATE_MILLISECONDS);
  const left = Number(said.dataset.secondsLeft);
  details.querySelector(".live-left").textContent = `About ${left} ${left === 1 ? "second" : "seconds"} left of this turn.`;
};

watch("value", () => {
  clearTimeout(timer);
  timer = setTimeout(() => {
    props.value = empty;
  }, STALE_MILLISECONDS);
  requestAnimationFrame(() => {
    const svg = element.querySelector("svg");
    if (svg && live.matches(".live-back")) unmirror(svg);
    const said = element.querySelector("[data-seconds-left]");
    if (said) count(said);
  });
});
