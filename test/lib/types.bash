# shellcheck shell=bash disable=SC2034 # what one file sets, another reads
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Types of partitions for tests of disk images, as sfdisk(8) wants them: those of this machine (Discoverable Partitions
# Specification).

ROOT_TYPE=$(case $(uname -m) in
        x86_64) echo 4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709 ;;
        aarch64) echo B921B045-1DF0-41C3-AF44-4C6F280D3FAE ;;
        *) echo 0FC63DAF-8483-4772-8E79-3D69D8477DE4 ;; esac)
USR_TYPE=$(case $(uname -m) in
        x86_64) echo 8484680C-9521-48C6-9C11-B0720656F69E ;;
        *) echo B0E01050-EE5F-4390-949A-9101B17104E9 ;; esac)
HOME_TYPE=933AC7E1-2EB4-4F13-B844-0E14E2AEF915
VAR_TYPE=4D21B016-B534-45C2-A9FB-5C16E091FD2D
ESP_TYPE=C12A7328-F81F-11D2-BA4B-00A0C93EC93B
SRV_TYPE=3B8F8425-20E0-4F3B-907F-1A25A76F98E8
TMP_TYPE=7EC6F557-3BC5-4ACA-B293-16EF5DF639D1
