/** One block of a stream of Server-Sent Events. */
export interface ServerSentEvent {
  /** What to resume from once this has been seen; also without data. */
  id?: string;
  event: string;
  data: string;
}

/** The blocks of a response, each as soon as it is complete; a comment alone comes as an event without data. */
export async function* serverSentEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      yield parse(text.slice(0, end));
      text = text.slice(end + 2);
    }
  }
}

function parse(block: string): ServerSentEvent {
  const parsed: ServerSentEvent = { event: 'message', data: '' };
  for (const line of block.split('\n')) {
    const [, field, value] = /^(id|event|data): ?(.*)$/.exec(line) ?? [];
    if (field === 'data') parsed.data += parsed.data === '' ? value! : `\n${value!}`;
    else if (field !== undefined) parsed[field as 'id' | 'event'] = value!;
  }
  return parsed;
}
