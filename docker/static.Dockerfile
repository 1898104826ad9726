# A static binary and nothing else: no shell, no libc, no compiler image.
FROM scratch
LABEL proxylab.build=yes
COPY app /app
ENTRYPOINT ["/app"]
