// Run by Gradio for what it shows of the last frame: after Stop, or when answers stay away, boxes must
// not go on standing over a picture that has changed.
const STALE_MILLISECONDS = 3000;
const empty = props.value;
let timer = 0;
watch("value", () => {
  clearTimeout(timer);
  timer = setTimeout(() => {
    props.value = empty;
  }, STALE_MILLISECONDS);
});
