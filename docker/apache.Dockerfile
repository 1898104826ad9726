# Apache httpd as the course installs it: the steps are those of setup.sh, which
# a student repeats by hand. BASE is the Debian base image.
ARG BASE
FROM ${BASE}
LABEL proxylab.build=yes
COPY setup.sh proxylab.conf /usr/local/share/proxylab/
RUN sh /usr/local/share/proxylab/setup.sh install
RUN sh /usr/local/share/proxylab/setup.sh modules

# The example is enabled and checked; a container gets its own site in its place.
RUN sh /usr/local/share/proxylab/setup.sh site && sh /usr/local/share/proxylab/setup.sh check

# httpd's word for a graceful stop: finish what runs, then leave (mod_mpm).
STOPSIGNAL SIGWINCH

# What apachectl does before it starts httpd, then httpd itself as process 1.
ENTRYPOINT ["/bin/sh", "-c", ". /etc/apache2/envvars && mkdir -p \"$APACHE_RUN_DIR\" \"$APACHE_LOCK_DIR\" \"$APACHE_LOG_DIR\" && exec apache2 -DFOREGROUND"]
