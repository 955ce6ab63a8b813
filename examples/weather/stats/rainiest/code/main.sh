# The ten rainiest days, the rainiest first: date, rain in mm, wind in m/s.
set -eu

awk -F, 'NR > 1 { print $1 "\t" $6 "\t" $7 }' ../parents/clean/days.csv |
    sort -t "$(printf '\t')" -k2,2nr -k1,1 |
    sed -n 1,10p > ../data/rainiest.tsv

cat ../data/rainiest.tsv
