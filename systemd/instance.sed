# Makes fsdaemon@.service of fsdaemon.service, and fsdaemon@.socket of fsdaemon.socket: units for further daemons, each
# named after its port. `make install` and the Debian package do this; by hand:
#   sed -f instance.sed fsdaemon.service >/etc/systemd/system/fsdaemon@.service
#   sed -f instance.sed fsdaemon.socket >/etc/systemd/system/fsdaemon@.socket
1i\
# One more daemon, for FreeSWITCH's fail-over list: fsdaemon@8085 listens on port 8085.
s/fsdaemon\.socket/fsdaemon@%i.socket/
s/127\.0\.0\.1:8084/127.0.0.1:%i/
s/^Description=.*/&, port %i/
