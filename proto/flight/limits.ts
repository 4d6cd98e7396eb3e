/** Sizes that both ends share, in bytes. */
const MIB = 1024 * 1024;

/** What a writer aims at for one record batch, so that one Flight message is 1 to 4 MiB. */
export const BATCH_BYTES = 2 * MIB;
/** Largest gRPC message, both ways; far above a batch. gRPC's own default is 4 MiB. */
export const MESSAGE_BYTES_MAX = 64 * MIB;
/** Sent and not yet taken by the connection, for one call. */
export const SEND_WINDOW_BYTES = 8 * MIB;
/** HTTP/2 window of a client: at 10 ms round trip the default of 64 KiB allows 6 MB/s, this 1.6 GB/s. */
export const CLIENT_WINDOW_BYTES = 16 * MIB;
