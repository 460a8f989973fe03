// A line between browser and server that can be cut, as networks do it: every connection breaks
// and no new one comes through until it is mended.
import { connect, createServer } from 'node:net';

export async function startLine(port) {
  let whole = true;
  const open = new Set();
  const line = createServer((near) => {
    if (!whole) return near.destroy();
    const far = connect(port, '127.0.0.1');
    for (const end of [near, far]) {
      open.add(end);
      end.on('error', () => {});
      end.on('close', () => {
        open.delete(end);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far).pipe(near);
  });
  await new Promise((done) => line.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${line.address().port}`,
    cut() {
      whole = false;
      for (const end of open) end.destroy();
    },
    mend() {
      whole = true;
    },
    stop() {
      this.cut();
      return new Promise((done) => line.close(done));
    },
  };
}
