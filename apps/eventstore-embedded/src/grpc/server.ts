import { Server, ServerCredentials } from '@grpc/grpc-js';
import { GossipService } from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import { ServerFeaturesService } from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import { StreamsService } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { type ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import { settleWithin } from '#contracts/time-limit.js';
import { type EventLog } from '../log/event-log.js';
import { appendHandler } from './append.js';
import { batchAppendHandler } from './batch-append.js';
import { deleteHandler, tombstoneHandler } from './delete.js';
import { gossipHandler } from './gossip.js';
import { OpenCalls } from './open-calls.js';
import { pipelined } from './pipelined-call.js';
import { readHandler } from './read.js';
import { supportedMethods } from './server-features.js';
import { signedIn } from './sign-in.js';

export interface GrpcSettings {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  /** Of its one user. */
  readonly password: string;
  readonly dropSlowConsumers: boolean;
}

export interface GrpcServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** Larger than what one append may carry, so that the client learns the limit by its name. */
const MAX_REQUEST_BYTES = 16 * 1024 * 1024;

const SHUTDOWN_GRACE_MS = 500;

/** Serves the log over EventStoreDB's protocol. What no service here implements answers UNIMPLEMENTED. */
export async function startGrpcServer(log: EventLog, settings: GrpcSettings): Promise<GrpcServer> {
  const server = new Server({
    'grpc.max_receive_message_length': MAX_REQUEST_BYTES,
    'grpc.max_send_message_length': -1,
    interceptors: [pipelined, signedIn(settings.password)],
  });
  const calls = new OpenCalls();
  const address = { host: settings.host, port: settings.port };
  server.addService(streamsService(), {
    append: appendHandler(log.writer),
    batchAppend: batchAppendHandler(log.writer, calls),
    read: readHandler(log, calls, settings.dropSlowConsumers),
    delete: deleteHandler(log.writer),
    tombstone: tombstoneHandler(log.writer),
  });
  server.addService(ServerFeaturesService, { getSupportedMethods: supportedMethods });
  server.addService(GossipService, { read: gossipHandler(() => address) });
  address.port = await listen(server, settings);
  return { port: address.port, stop: () => stop(server, calls) };
}

/** Events arrive at the service already encoded. */
function streamsService() {
  const responseSerialize = (response: ReadResp | Buffer) =>
    Buffer.isBuffer(response) ? response : Buffer.from(response.serializeBinary());
  return { ...StreamsService, read: { ...StreamsService.read, responseSerialize } };
}

function listen(server: Server, { host, port }: GrpcSettings): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
}

async function stop(server: Server, calls: OpenCalls): Promise<void> {
  calls.cancelAll();
  await settleWithin(new Promise((resolve) => server.tryShutdown(resolve)), SHUTDOWN_GRACE_MS);
  server.forceShutdown();
}
