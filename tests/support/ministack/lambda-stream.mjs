// What Lambda's runtime gives a function that streams its answer, and MiniStack's does not: the head as JSON, eight zero
// bytes, then the body, as one text. An answer without a head is JSON for who invoked the function by its name.
const HEAD_END = '\0'.repeat(8);

class ResponseStream extends (await import('node:stream')).Writable {
  chunks = [];

  _write(chunk, _encoding, done) {
    this.chunks.push(chunk);
    done();
  }
}

globalThis.awslambda = {
  streamifyResponse: (handle) => async (event, context) => {
    const stream = new ResponseStream();
    const ended = new Promise((resolve) => stream.once('finish', resolve));
    await handle(event, stream, context);
    await ended;
    const text = Buffer.concat(stream.chunks).toString('utf8');
    return text.includes(HEAD_END) ? text : JSON.parse(text);
  },
  HttpResponseStream: {
    from(stream, head) {
      stream.write(`${JSON.stringify(head)}${HEAD_END}`);
      return stream;
    },
  },
};
