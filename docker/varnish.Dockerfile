# Varnish as Debian packages it. BASE is the Debian base image.
ARG BASE
FROM ${BASE}
LABEL proxylab.build=yes
# Varnish compiles its configuration: gcc comes with it.
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends varnish gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/*
ENTRYPOINT ["varnishd", "-F", "-f", "/etc/varnish/default.vcl"]
