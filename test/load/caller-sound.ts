const PACKET_MS = 20;
const SAMPLES_PER_PACKET = 160;
const A_LAW = 8;
const A_LAW_SILENCE = 0xd5;
const ETHERNET_BYTES = 14;
const IP_BYTES = 20;
const UDP_BYTES = 8;
const RTP_BYTES = 12;
const SYNCHRONISATION_SOURCE = 0x5031_5050;

/**
 * A capture file (libpcap) of a caller who stays on the line: a-law sound in RTP, a packet every 20 ms. SIPp plays it with
 * addresses and ports of its own; so the file's are all zero.
 */
export function callerSound(durationMs: number): Buffer {
  const packets = Array.from({ length: Math.ceil(durationMs / PACKET_MS) }, (_, index) => capturedPacket(index));
  return Buffer.concat([fileHead(), ...packets]);
}

function fileHead(): Buffer {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2_c3d4, 0);
  head.writeUInt16LE(2, 4); // version 2.4
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(65_535, 16); // longest packet
  head.writeUInt32LE(1, 20); // Ethernet
  return head;
}

function capturedPacket(index: number): Buffer {
  const udpBytes = UDP_BYTES + RTP_BYTES + SAMPLES_PER_PACKET;
  const bytes = ETHERNET_BYTES + IP_BYTES + udpBytes;
  const head = Buffer.alloc(16);
  const atMs = index * PACKET_MS;
  head.writeUInt32LE(Math.floor(atMs / 1_000), 0);
  head.writeUInt32LE((atMs % 1_000) * 1_000, 4);
  head.writeUInt32LE(bytes, 8);
  head.writeUInt32LE(bytes, 12);

  const ethernet = Buffer.alloc(ETHERNET_BYTES);
  ethernet.writeUInt16BE(0x0800, 12); // IPv4
  const ip = Buffer.alloc(IP_BYTES);
  ip[0] = 0x45; // version 4, five words of head
  ip.writeUInt16BE(IP_BYTES + udpBytes, 2);
  ip[8] = 64; // hops
  ip[9] = 17; // UDP
  const udp = Buffer.alloc(UDP_BYTES);
  udp.writeUInt16BE(udpBytes, 4);
  const rtp = Buffer.alloc(RTP_BYTES + SAMPLES_PER_PACKET, A_LAW_SILENCE);
  rtp[0] = 0x80; // version 2
  rtp[1] = A_LAW;
  rtp.writeUInt16BE(index & 0xffff, 2);
  rtp.writeUInt32BE(index * SAMPLES_PER_PACKET, 4);
  rtp.writeUInt32BE(SYNCHRONISATION_SOURCE, 8);
  return Buffer.concat([head, ethernet, ip, udp, rtp]);
}
