// The button for a still of the live picture; after give.js.
element.addEventListener("click", (event) => {
  if (!event.target.closest("button")) return;
  const video = document.querySelector("#live-camera video");
  if (!video || !video.videoWidth) {
    fail("Start the camera first.");
    return;
  }
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  const pen = canvas.getContext("2d");
  if (!video.closest(".live-back")) {
    pen.translate(canvas.width, 0);
    pen.scale(-1, 1); // as in a mirror, like the live picture
  }
  pen.drawImage(video, 0, 0);
  canvas.toBlob((blob) => give(new File([blob], "still.jpg", { type: "image/jpeg" })), "image/jpeg", 0.92);
});
