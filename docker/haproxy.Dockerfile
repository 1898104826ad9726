# HAProxy as Debian packages it. BASE is the Debian base image.
ARG BASE
FROM ${BASE}
LABEL proxylab.build=yes
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends haproxy \
 && rm -rf /var/lib/apt/lists/*

# HAProxy's word for a graceful stop: finish what runs, then leave.
STOPSIGNAL SIGUSR1
ENTRYPOINT ["haproxy", "-db", "-f", "/etc/haproxy/haproxy.cfg"]
