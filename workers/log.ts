/** One line of JSON for each event, on standard output. */
import { pino, stdSerializers, stdTimeFunctions, type Logger } from 'pino';
import type { WorkerConfig } from './config.js';

export type { Logger };

export function createLog(config: Pick<WorkerConfig, 'logLevel' | 'name'>): Logger {
  return pino({ level: config.logLevel, base: { worker: config.name, pid: process.pid }, timestamp: stdTimeFunctions.isoTime, serializers: { error: stdSerializers.err } });
}
