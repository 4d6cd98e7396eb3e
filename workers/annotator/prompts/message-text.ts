/** Messages as a model sees them. */

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** UTF-8 where the bytes are that, else one character for each byte (games of the 1980s know nothing else). */
export function decodeText(text: Uint8Array): string {
  try {
    return utf8.decode(text);
  } catch {
    return Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString('latin1');
  }
}

/** One line without control characters: a message cannot write further lines of the prompt. */
export function cleanText(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\s\u0000-\u001f\u007f-\u009f\u2028\u2029]+/gu, ' ').trim();
}
