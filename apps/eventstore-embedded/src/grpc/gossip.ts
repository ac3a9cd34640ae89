import { randomUUID } from 'node:crypto';
import { type handleUnaryCall } from '@grpc/grpc-js';
import { ClusterInfo, EndPoint, MemberInfo } from '@eventstore/db-client/generated/gossip_pb.js';
import { UUID, type Empty } from '@eventstore/db-client/generated/shared_pb.js';

/** A cluster of one node, which leads; `address` is where the client finds it. */
export function gossipHandler(address: () => { host: string; port: number }): handleUnaryCall<Empty, ClusterInfo> {
  const instanceId = new UUID().setString(randomUUID());
  return (_call, callback) => {
    const { host, port } = address();
    const member = new MemberInfo()
      .setInstanceId(instanceId)
      .setIsAlive(true)
      .setState(MemberInfo.VNodeState.LEADER)
      .setHttpEndPoint(new EndPoint().setAddress(host).setPort(port))
      .setTimeStamp(`${Date.now()}0000`);
    callback(null, new ClusterInfo().setMembersList([member]));
  };
}
