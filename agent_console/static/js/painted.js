// When what was drawn has been painted: a task posted in an animation frame runs when that frame's painting is done.

/** Calls `then` after the painting of this frame, or of the next one a hidden page will have. Returns how to cancel. */
export function afterPaint(then) {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    then();
  };
  const post = () => port2.postMessage(null);
  const frame = document.hidden ? requestAnimationFrame(post) : post();
  return () => {
    cancelAnimationFrame(frame);
    port1.close();
  };
}
