# nginx as Debian packages it. BASE is the Debian base image.
ARG BASE
FROM ${BASE}
LABEL proxylab.build=yes
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends nginx-light \
 && rm -rf /var/lib/apt/lists/* && mkdir -p /var/cache/nginx && chown www-data /var/cache/nginx

# nginx's word for a graceful stop: finish what runs, then leave.
STOPSIGNAL SIGQUIT
ENTRYPOINT ["nginx", "-g", "user www-data; daemon off;"]
