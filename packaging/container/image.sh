#!/bin/sh
# Makes the files of the image: the program, the libraries that it is linked with, the authorities of the system.
#   packaging/container/image.sh PROGRAM FOLDER
set -eu

program=$1
image=$2
user=65532

# A folder of its own: what may be executed is what lies there.
install -D -m 0755 "$program" "$image/usr/lib/portunus/portunus"
mkdir -p "$image/usr/bin"
ln -s ../lib/portunus/portunus "$image/usr/bin/portunus"

# Each library at its own path: `name => /path (address)`, and the loader `/path (address)`.
ldd "$program" | sed -n 's/^.*=> *//; s|^[[:space:]]*\(/[^ ]*\) (.*$|\1|p' | while read -r library; do
    install -D -m 0755 "$library" "$image$library"
done

install -D -m 0644 /etc/ssl/certs/ca-certificates.crt "$image/etc/ssl/certs/ca-certificates.crt"
echo "portunus:x:$user:$user::/var/lib/portunus:/nonexistent" > "$image/etc/passwd"
echo "portunus:x:$user:" > "$image/etc/group"
echo "hosts: files dns" > "$image/etc/nsswitch.conf"
mkdir -p "$image/etc/portunus"
for folder in /var/lib/portunus /run/portunus /var/log/portunus /var/cache/portunus; do
    install -d -m 0700 "$image$folder"
    chown "$user:$user" "$image$folder"
done
