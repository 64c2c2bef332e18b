// As behind a firewall that stops UDP: no address of that kind gets into the browser or out of it.
(() => {
  const Real = globalThis.RTCPeerConnection;
  const udp = (line) => / udp /i.test(line);
  const strip = (sdp) => sdp.split("\r\n").filter((line) => !(line.startsWith("a=candidate:") && udp(line))).join("\r\n");
  globalThis.RTCPeerConnection = class extends Real {
    addIceCandidate(candidate) { return candidate && udp(candidate.candidate) ? Promise.resolve() : super.addIceCandidate(candidate); }
    setRemoteDescription({ type, sdp }) { return super.setRemoteDescription({ type, sdp: strip(sdp) }); }
    async createOffer(...args) { const { type, sdp } = await super.createOffer(...args); return { type, sdp: strip(sdp) }; }
    async createAnswer(...args) { const { type, sdp } = await super.createAnswer(...args); return { type, sdp: strip(sdp) }; }
    get localDescription() { const d = super.localDescription; return d && new RTCSessionDescription({ type: d.type, sdp: strip(d.sdp) }); }
    set onicecandidate(handle) { super.onicecandidate = handle && ((event) => { if (!event.candidate || !udp(event.candidate.candidate)) handle(event); }); }
  };
})();
